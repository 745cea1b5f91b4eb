"""Array algorithms without any knowledge of histories."""
