"""Real pages of Playwright that fail as in another browser, and their storage, to and from simulated browsers.

For the synchronous and the asynchronous API of Playwright for Python alike: given an object of the latter, a function
returns an awaitable. Playwright itself is the test's to install; nothing of it is imported here.
"""

from .emulation import emulate as emulate
from .emulation import init_script as init_script
from .pages import capture as capture
from .pages import seed as seed
from .storage_states import from_storage_state as from_storage_state
from .storage_states import storage_state as storage_state

__all__ = ["capture", "emulate", "from_storage_state", "init_script", "seed", "storage_state"]
