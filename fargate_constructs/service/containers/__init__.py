"""The containers of a task: their options, images, volumes, logs and ready-made sidecars."""
