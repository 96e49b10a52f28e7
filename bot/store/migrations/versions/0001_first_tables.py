"""The first tables: conversations, transcript, trackers, screens, decisions, cases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# numbers start where they cannot be mistaken for a count of clients
FIRST_CASE_NUMBER = 1001


def upgrade() -> None:
    conversation = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("conversation_id", sa.String(64), conversation.copy(), nullable=False),
        sa.Column("sender", sa.String(10), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kind", sa.String(20)),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.Column("buttons", sa.JSON, nullable=False),
        sa.Column("decision", sa.JSON),
        sa.Column("case_number", sa.Integer),
        sa.Column("reply_to", sa.Integer),
        sa.Column("request_key", sa.String(80)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("pressed", sa.Boolean, nullable=False),
        sa.UniqueConstraint("conversation_id", "request_key", name="one_request_per_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("messages_of_conversation", "messages", ["conversation_id", "seq"])
    op.create_index("replies_to_message", "messages", ["reply_to"])
    op.create_table(
        "offers",
        sa.Column("conversation_id", sa.String(64), conversation.copy(), primary_key=True),
        sa.Column("payload", sa.String(200), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
    )
    op.create_table(
        "trackers",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "screens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(64), conversation.copy(), nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("rules_version", sa.String(40), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
    open_screen = sa.text("status = 'open'")
    op.create_index(
        "one_open_screen",
        "screens",
        ["conversation_id"],
        unique=True,
        sqlite_where=open_screen,
        postgresql_where=open_screen,
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(64), conversation.copy(), index=True),
        sa.Column("screen_id", sa.String(32)),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("unanswered", sa.JSON, nullable=False),
        sa.Column("rules_fired", sa.JSON, nullable=False),
        sa.Column("rules_version", sa.String(40), nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("valid_until", sa.DateTime),
        sa.Column("case_number", sa.Integer),
    )
    op.create_table(
        "findings",
        sa.Column(
            "decision_id",
            sa.String(32),
            sa.ForeignKey("decisions.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("condition", sa.String(60), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
    )
    op.create_table(
        "cases",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conversation_id", sa.String(64), conversation.copy(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("priority", sa.String(10), nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sqlite_autoincrement=True,
    )
    open_case = sa.text("status <> 'closed'")
    op.create_index(
        "one_open_case",
        "cases",
        ["conversation_id"],
        unique=True,
        sqlite_where=open_case,
        postgresql_where=open_case,
    )
    op.create_table(
        "case_reasons",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_number",
            sa.Integer,
            sa.ForeignKey("cases.number", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("decision_id", sa.String(32)),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('cases', {FIRST_CASE_NUMBER - 1})")
    else:
        op.execute(f"ALTER SEQUENCE cases_number_seq RESTART WITH {FIRST_CASE_NUMBER}")


def downgrade() -> None:
    for table in (
        "secrets",
        "case_reasons",
        "cases",
        "findings",
        "decisions",
        "screens",
        "trackers",
        "offers",
        "messages",
        "conversations",
    ):
        op.drop_table(table)
