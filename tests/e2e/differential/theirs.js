// SPDX-License-Identifier: MIT
// One token by @azure/identity, the credential named by the first argument; prints the token.
"use strict";
const { execFileSync } = require("node:child_process");
const identity = require("@azure/identity");

const SCOPE = "https://database.windows.net/.default";
const env = process.env;
const entra = { disableInstanceDiscovery: true };

function managedIdentity() {
  if (env.CASE_OBJECT_ID) return new identity.ManagedIdentityCredential({ objectId: env.CASE_OBJECT_ID });
  if (env.CASE_RESOURCE_ID)
    return new identity.ManagedIdentityCredential({ resourceId: env.CASE_RESOURCE_ID });
  return new identity.ManagedIdentityCredential({ clientId: env.CASE_CLIENT_ID });
}

function approve(prompt) {
  const [program, ...words] = env.CASE_APPROVE.split("|");
  execFileSync(program, [...words, prompt.userCode]);
}

const app = [env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID];
const credentials = {
  client_certificate: () =>
    new identity.ClientCertificateCredential(...app, env.CASE_CERTIFICATE, {
      ...entra, sendCertificateChain: Boolean(env.CASE_SEND_CHAIN) }),
  client_assertion: () =>
    new identity.ClientAssertionCredential(...app, async () => env.CASE_ASSERTION, entra),
  workload_identity: () => new identity.WorkloadIdentityCredential(entra),
  on_behalf_of: () =>
    new identity.OnBehalfOfCredential({
      tenantId: app[0], clientId: app[1], userAssertionToken: env.CASE_ASSERTION, ...entra,
      ...(env.CASE_CERTIFICATE
        ? { certificatePath: env.CASE_CERTIFICATE }
        : { clientSecret: env.AZURE_CLIENT_SECRET }) }),
  device_code: () =>
    new identity.DeviceCodeCredential({
      ...entra, tenantId: env.CASE_TENANT_ID, userPromptCallback: approve }),
  azure_pipelines: () =>
    new identity.AzurePipelinesCredential(
      ...app, env.CASE_CONNECTION, env.SYSTEM_ACCESSTOKEN, entra),
  client_secret: () =>
    new identity.ClientSecretCredential(...app, env.AZURE_CLIENT_SECRET, entra),
  managed_identity: managedIdentity,
  azure_cli: () =>
    new identity.AzureCliCredential({
      tenantId: env.CASE_TENANT_ID, subscription: env.CASE_SUBSCRIPTION }),
  interactive_browser: () =>
    new identity.InteractiveBrowserCredential({ ...entra, tenantId: env.CASE_TENANT_ID }),
  azure_developer_cli: () =>
    new identity.AzureDeveloperCliCredential({ tenantId: env.CASE_TENANT_ID }),
  azure_powershell: () => new identity.AzurePowerShellCredential({ tenantId: env.CASE_TENANT_ID }),
  default: () => new identity.DefaultAzureCredential(),
};

async function main() {
  const credential = credentials[process.argv[2]]();
  console.log((await credential.getToken(SCOPE)).token);
  if (env.CASE_SECOND_SCOPE) await credential.getToken(env.CASE_SECOND_SCOPE);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
