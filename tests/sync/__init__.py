"""The sync against real servers: sekmet-fhir in every run, HAPI FHIR JPA where Maven and a JDK are."""
