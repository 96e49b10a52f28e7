"""Telegram: updates to handle, whose chat is whose, links from the website, what was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telegram_updates",
        sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("chat_id", sa.BigInteger),
        sa.Column("raw", sa.Text),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime),
        sa.Column("claimed_until", sa.DateTime),
        sa.Column("done_at", sa.DateTime),
    )
    pending = sa.text("done_at IS NULL")
    op.create_index(
        "telegram_updates_pending",
        "telegram_updates",
        ["chat_id", "update_id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    conversation = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    op.create_table(
        "telegram_chats",
        sa.Column("conversation_id", sa.String(64), conversation.copy(), primary_key=True),
        sa.Column("chat_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("linked_at", sa.DateTime, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("stopped_at", sa.DateTime),
    )
    op.create_table(
        "telegram_links",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("conversation_id", sa.String(64), conversation.copy(), nullable=False, index=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "telegram_sent",
        sa.Column(
            "seq", sa.Integer, sa.ForeignKey("messages.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False
        ),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("taken", sa.Boolean, nullable=False),
    )
    op.create_table(
        "telegram_bots",
        sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("username", sa.String(64)),
        sa.Column("last_update_at", sa.DateTime),
        sa.Column("problem", sa.String(200)),
        sa.Column("problem_at", sa.DateTime),
        sa.Column("polled_by", sa.String(40)),
        sa.Column("polled_until", sa.DateTime),
    )


def downgrade() -> None:
    for table in ("telegram_bots", "telegram_sent", "telegram_links", "telegram_chats", "telegram_updates"):
        op.drop_table(table)
