"""What a person sees and types: output, progress, questions, times, interrupts."""
