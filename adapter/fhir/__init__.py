"""What everybody speaks: typed readers of the few FHIR R4 elements used, dates, quantities, terminology."""
