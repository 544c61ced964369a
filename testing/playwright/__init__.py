"""Real pages of Playwright that fail as in another browser, and their storage, to and from simulated browsers.

For the synchronous and the asynchronous API of Playwright for Python alike: given an object of the latter, a function
returns an awaitable. Playwright itself is the test's to install; nothing of it is imported here.
"""

from .emulation import emulate as emulate
from .emulation import init_script as init_script

__all__ = ["emulate", "init_script"]
