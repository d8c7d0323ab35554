"""RAFT and RAFT-small, from published checkpoints or trained here."""
