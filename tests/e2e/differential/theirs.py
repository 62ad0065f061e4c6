# SPDX-License-Identifier: MIT
"""One token by azure-identity, the credential named by the first argument; prints the token."""
import os
import subprocess
import sys

from azure.identity import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePipelinesCredential,
    AzurePowerShellCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
    WorkloadIdentityCredential,
)

SCOPE = "https://database.windows.net/.default"
env = os.environ.get
ENTRA = {"disable_instance_discovery": True}


def managed_identity():
    if env("CASE_OBJECT_ID"):
        return ManagedIdentityCredential(identity_config={"object_id": env("CASE_OBJECT_ID")})
    if env("CASE_RESOURCE_ID"):
        return ManagedIdentityCredential(identity_config={"resource_id": env("CASE_RESOURCE_ID")})
    return ManagedIdentityCredential(client_id=env("CASE_CLIENT_ID"))


def on_behalf_of():
    proof = {"client_secret": env("AZURE_CLIENT_SECRET")}
    if env("CASE_CERTIFICATE"):
        with open(env("CASE_CERTIFICATE"), "rb") as f:
            proof = {"client_certificate": f.read()}
    return OnBehalfOfCredential(*APP, user_assertion=env("CASE_ASSERTION"), **proof, **ENTRA)


def approve(_uri, user_code, _expires_on):
    subprocess.run([*env("CASE_APPROVE").split("|"), user_code], check=True,
                   stdout=subprocess.DEVNULL)


APP = (env("AZURE_TENANT_ID"), env("AZURE_CLIENT_ID"))
CREDENTIALS = {
    "client_certificate": lambda: CertificateCredential(
        *APP, env("CASE_CERTIFICATE"), send_certificate_chain=bool(env("CASE_SEND_CHAIN")), **ENTRA),
    "client_assertion": lambda: ClientAssertionCredential(
        *APP, lambda: env("CASE_ASSERTION"), **ENTRA),
    "workload_identity": lambda: WorkloadIdentityCredential(**ENTRA),
    "on_behalf_of": on_behalf_of,
    "device_code": lambda: DeviceCodeCredential(
        tenant_id=env("CASE_TENANT_ID"), prompt_callback=approve, **ENTRA),
    "azure_pipelines": lambda: AzurePipelinesCredential(
        tenant_id=APP[0], client_id=APP[1], service_connection_id=env("CASE_CONNECTION"),
        system_access_token=env("SYSTEM_ACCESSTOKEN"), **ENTRA),
    "client_secret": lambda: ClientSecretCredential(
        *APP, env("AZURE_CLIENT_SECRET"), **ENTRA),
    "managed_identity": managed_identity,
    "azure_cli": lambda: AzureCliCredential(tenant_id=env("CASE_TENANT_ID") or "",
                                            subscription=env("CASE_SUBSCRIPTION")),
    "interactive_browser": lambda: InteractiveBrowserCredential(
        tenant_id=env("CASE_TENANT_ID"), timeout=30, **ENTRA),
    "azure_developer_cli": lambda: AzureDeveloperCliCredential(
        tenant_id=env("CASE_TENANT_ID") or ""),
    "azure_powershell": lambda: AzurePowerShellCredential(tenant_id=env("CASE_TENANT_ID") or ""),
    "default": DefaultAzureCredential,
}

credential = CREDENTIALS[sys.argv[1]]()
print(credential.get_token(SCOPE).token)
if env("CASE_SECOND_SCOPE"):
    credential.get_token(env("CASE_SECOND_SCOPE"))
