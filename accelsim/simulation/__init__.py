"""One network on one machine: layers counted, mapped, played, priced, and summed up."""
