// oidc-provider as the token server of a FHIR server: `node tokens.mjs PORT CLIENTS.json`.
// The FHIR side names the token endpoint, and answers an empty searchset for the types of the token's scope.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, file] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const known = JSON.parse(readFileSync(file, "utf8"));
const algorithms = ["RS384", "ES384"];
const clients = known.map(({ client_id, jwks, scope, alg }) => ({
  client_id,
  jwks,
  scope,
  token_endpoint_auth_method: "private_key_jwt",
  token_endpoint_auth_signing_alg: alg,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
}));
const provider = new Provider(origin, {
  clients,
  clientAuthMethods: ["private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: algorithms },
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  scopes: [...new Set(known.flatMap(({ scope }) => scope.split(" ")))],
});
const answer = provider.callback();

function json(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/fhir+json" }).end(JSON.stringify(body));
}

createServer(async (request, response) => {
  const path = new URL(request.url, origin).pathname;
  if (path === "/fhir/.well-known/smart-configuration") {
    return json(response, 200, {
      token_endpoint: `${origin}/token`,
      capabilities: ["client-confidential-asymmetric", "permission-v2"],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
    });
  }
  if (path.startsWith("/fhir/")) {
    const token = await provider.ClientCredentials.find((request.headers.authorization ?? "").replace("Bearer ", ""));
    if (!token) return json(response, 401, { resourceType: "OperationOutcome", issue: [] });
    const type = path.split("/")[2];
    if (!(token.scope ?? "").split(" ").includes(`system/${type}.rs`)) {
      return json(response, 403, { resourceType: "OperationOutcome", issue: [{ diagnostics: `no scope for ${type}` }] });
    }
    return json(response, 200, { resourceType: "Bundle", type: "searchset", entry: [] });
  }
  return answer(request, response);
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
