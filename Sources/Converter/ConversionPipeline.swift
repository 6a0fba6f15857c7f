// Filled by the conversion stages.
