"""Drawing of report folders: `folder.draw_report` is the one call, `evaluator.figures` says what is drawn."""
