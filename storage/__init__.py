"""What is remembered: the corpus files, the index, duplicates, search and export.

For programs that read a corpus, the door is `from storage import Corpus` (`storage.files.reading` says how).
"""

from storage.files.reading import Article, Corpus

__all__ = ["Article", "Corpus"]
