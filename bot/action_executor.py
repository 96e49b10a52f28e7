"""Running the custom actions in the Rasa server itself, where no action server is wanted.

Rasa asks for an action as it would ask an action server, and Rasa SDK's executor runs it as an action
server would; what lies between, two HTTP messages and a second process that has loaded everything again,
is left out (docs/decisions/0013-actions-in-the-server.md has what that costs). This module must not know
what the actions do.
"""

from __future__ import annotations

from typing import Any, Final

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

#: The project's actions; every module of the package is imported.
PACKAGE: Final = "actions"


class ActionsHere(EndpointConfig):
    """In place of an action server's address: the actions of this process."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._executor = ActionExecutor()
        self._executor.register_package(PACKAGE)

    async def request(self, *arguments: Any, **named: Any) -> Any:
        """Run the action that Rasa names in the request's body; returns the body of the response.

        Raises:
            ActionNotFoundException: no module of the package has it.
        """
        return await self._executor.run(named["json"])

    async def state(self) -> str:
        """`ok`: they are there as long as the process is."""
        return "ok"

    async def close(self) -> None:
        """Nothing is open."""
