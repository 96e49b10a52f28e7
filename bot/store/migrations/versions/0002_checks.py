"""Checks of the eligibility API, and what was submitted to them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column(
            "conversation_id",
            sa.String(64),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("reference", sa.String(200)),
        sa.Column("rules_version", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "check_entries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "check_id", sa.String(64), sa.ForeignKey("checks.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("follow_ups", sa.JSON, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("decision_id", sa.String(32), sa.ForeignKey("decisions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("caller", sa.String(80)),
        sa.Column("request_key", sa.String(80)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("answer", sa.JSON),
        sa.UniqueConstraint("caller", "request_key", name="one_check_entry_per_key"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("check_entries")
    op.drop_table("checks")
