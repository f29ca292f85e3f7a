"""Red Queen: how long does a detector of AI-generated political imagery stay right?"""

__version__ = "0.1.0"
