"""The memory of c5watch: the corpus files, the index, duplicates, search and export.

For programs that read a corpus, the door is `from storage import Corpus` (see `storage.files.reading`).
"""

from storage.files.reading import Article, Corpus

__all__ = ["Article", "Corpus"]
