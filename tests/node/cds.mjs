// Medplum's CDS client as an EHR: `node cds.mjs SERVICE_ORIGIN FHIR_BASE SERVICE_ID CONTEXT_JSON`.
// Prints the services it discovered, the request it built (prefetch resolved against the FHIR server) and the answer.
globalThis.WebSocket ??= class {};
const { MedplumClient, buildCdsRequest } = await import("@medplum/core");

const [origin, base, id, context] = process.argv.slice(2);
const fhir = new URL(base);
const client = new MedplumClient({
  baseUrl: `${fhir.origin}/`,
  fhirUrlPath: fhir.pathname.slice(1),
  cdsServicesUrl: `${origin}/cds-services`,
  fetch: (url, options) => fetch(url, options),
});
const discovered = await client.getCdsServices();
const service = discovered.services.find((one) => one.id === id);
const user = { resourceType: "Practitioner", id: "medplum" };
const request = await buildCdsRequest(client, user, service, JSON.parse(context));
const response = await client.callCdsService(id, request);
console.log(JSON.stringify({ services: discovered.services, request, response }));
process.exit(0);
