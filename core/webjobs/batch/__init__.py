"""Batch files of Windows as scripts of sh.

``translate`` turns run.cmd, and the batch files that it calls, into one script for the /bin/sh of any image. What has
no equal raises ``Untranslatable``, with line and advice. docs/batch-files.md says what is taken over.
"""

from webjobs.batch.errors import Untranslatable
from webjobs.batch.revision import revision
from webjobs.batch.translate import Translated, translate
from webjobs.batch.writing.scope import Resolve, Run

__all__ = ["Resolve", "Run", "Translated", "Untranslatable", "revision", "translate"]
