"""The therapist's desk: password, log-ins, what was read, and the indexes that its figures count by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_account",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "login_counts",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_table(
        "case_views",
        sa.Column("case_number", sa.Integer, sa.ForeignKey("cases.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("seen_seq", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    op.create_index("messages_by_time", "messages", ["at", "sender", "kind"])
    op.create_index("cases_by_time", "cases", ["opened_at", "priority"])


def downgrade() -> None:
    op.drop_index("cases_by_time", "cases")
    op.drop_index("messages_by_time", "messages")
    op.drop_table("case_views")
    op.drop_table("login_counts")
    op.drop_table("desk_sessions")
    op.drop_table("desk_account")
