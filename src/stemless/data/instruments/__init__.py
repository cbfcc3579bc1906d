"""Solo recordings of instruments with captions, made from General MIDI sound banks."""
