"""Problems that programs solve: their formats, what a response's program is, and how both come before the sandbox."""
