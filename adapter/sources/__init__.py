"""Where records come from: files and folders of FHIR JSON. Yields resources one by one; knows nothing of trials."""
