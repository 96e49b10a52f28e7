"""Cases that are worked on, the outbox, the audit, check-ins after a session."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    conversation = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    op.add_column("messages", sa.Column("pushed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("decisions", sa.Column("ruling", sa.String(10)))
    op.add_column("decisions", sa.Column("ruled_at", sa.DateTime))
    op.add_column("cases", sa.Column("waiting_for", sa.String(10)))
    op.add_column("cases", sa.Column("waiting_since", sa.DateTime))
    op.add_column("cases", sa.Column("first_reply_at", sa.DateTime))
    op.add_column("cases", sa.Column("closed_at", sa.DateTime))
    op.add_column("cases", sa.Column("note", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE cases SET waiting_for = 'practice', waiting_since = opened_at WHERE status <> 'closed'")
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("case_number", sa.Integer, index=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(120), nullable=False, unique=True),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("conversation_id", sa.String(64), conversation.copy()),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", sa.DateTime),
        sa.Column("claimed_by", sa.String(40)),
        sa.Column("claimed_until", sa.DateTime),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("dead_at", sa.DateTime),
        sa.Column("problem", sa.String(200)),
        sqlite_autoincrement=True,
    )
    pending = sa.text("sent_at IS NULL AND dead_at IS NULL")
    op.create_index(
        "outbox_pending",
        "outbox",
        ["kind", "conversation_id", "id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index("outbox_of_conversation", "outbox", ["conversation_id"])
    op.create_table(
        "checkins",
        sa.Column("conversation_id", sa.String(64), conversation.copy(), primary_key=True),
        sa.Column("consent", sa.Boolean),
        sa.Column("email", sa.String(254)),
        sa.Column("held_on", sa.Date),
        sa.Column("asked", sa.String(10)),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("checkins", "outbox", "audit"):
        op.drop_table(table)
    with op.batch_alter_table("cases") as cases:
        for column in ("waiting_for", "waiting_since", "first_reply_at", "closed_at", "note"):
            cases.drop_column(column)
    with op.batch_alter_table("decisions") as decisions:
        for column in ("ruling", "ruled_at"):
            decisions.drop_column(column)
    with op.batch_alter_table("messages") as messages:
        messages.drop_column("pushed")
