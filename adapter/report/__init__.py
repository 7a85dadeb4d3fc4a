"""Text for people, and the way out: tables, dossiers, checks, and files that are whole or not there."""
