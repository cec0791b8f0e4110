from tests.running import town

__all__ = ["town"]
