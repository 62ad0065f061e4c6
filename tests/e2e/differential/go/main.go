// SPDX-License-Identifier: MIT

// One token by azidentity, the credential named by the first argument; prints the token.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const scope = "https://database.windows.net/.default"

// The library's IMDS address is fixed; this sends what goes there to the emulator's.
type imdsElsewhere struct{ base *url.URL }

func (t imdsElsewhere) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "169.254.169.254" {
		r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	}
	return http.DefaultClient.Do(r)
}

func managedIdentity() (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{}
	if v := os.Getenv("CASE_CLIENT_ID"); v != "" {
		o.ID = azidentity.ClientID(v)
	} else if v := os.Getenv("CASE_OBJECT_ID"); v != "" {
		o.ID = azidentity.ObjectID(v)
	} else if v := os.Getenv("CASE_RESOURCE_ID"); v != "" {
		o.ID = azidentity.ResourceID(v)
	}
	var err error
	if o.Transport, err = transport(); err != nil {
		return nil, err
	}
	return azidentity.NewManagedIdentityCredential(o)
}

func transport() (policy.Transporter, error) {
	v := os.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")
	if v == "" {
		return nil, nil
	}
	base, err := url.Parse(v)
	return imdsElsewhere{base}, err
}

func defaultAzure() (azcore.TokenCredential, error) {
	t, err := transport()
	if err != nil {
		return nil, err
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: policy.ClientOptions{Transport: t}})
}

func interactiveBrowser() (azcore.TokenCredential, error) {
	return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		TenantID: os.Getenv("CASE_TENANT_ID"), DisableInstanceDiscovery: true})
}

func azureDeveloperCLI() (azcore.TokenCredential, error) {
	return azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{
		TenantID: os.Getenv("CASE_TENANT_ID")})
}

func azurePowerShell() (azcore.TokenCredential, error) {
	return azidentity.NewAzurePowerShellCredential(&azidentity.AzurePowerShellCredentialOptions{
		TenantID: os.Getenv("CASE_TENANT_ID")})
}

func certificate() ([]*x509.Certificate, crypto.PrivateKey, error) {
	data, err := os.ReadFile(os.Getenv("CASE_CERTIFICATE"))
	if err != nil {
		return nil, nil, err
	}
	return azidentity.ParseCertificates(data, nil)
}

func clientCertificate() (azcore.TokenCredential, error) {
	certs, key, err := certificate()
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(os.Getenv("AZURE_TENANT_ID"),
		os.Getenv("AZURE_CLIENT_ID"), certs, key,
		&azidentity.ClientCertificateCredentialOptions{DisableInstanceDiscovery: true,
			SendCertificateChain: os.Getenv("CASE_SEND_CHAIN") != ""})
}

func clientAssertion() (azcore.TokenCredential, error) {
	return azidentity.NewClientAssertionCredential(os.Getenv("AZURE_TENANT_ID"),
		os.Getenv("AZURE_CLIENT_ID"),
		func(context.Context) (string, error) { return os.Getenv("CASE_ASSERTION"), nil },
		&azidentity.ClientAssertionCredentialOptions{DisableInstanceDiscovery: true})
}

func workloadIdentity() (azcore.TokenCredential, error) {
	return azidentity.NewWorkloadIdentityCredential(
		&azidentity.WorkloadIdentityCredentialOptions{DisableInstanceDiscovery: true})
}

func onBehalfOf() (azcore.TokenCredential, error) {
	o := &azidentity.OnBehalfOfCredentialOptions{DisableInstanceDiscovery: true}
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	user := os.Getenv("CASE_ASSERTION")
	if os.Getenv("CASE_CERTIFICATE") == "" {
		return azidentity.NewOnBehalfOfCredentialWithSecret(tenant, client, user,
			os.Getenv("AZURE_CLIENT_SECRET"), o)
	}
	certs, key, err := certificate()
	if err != nil {
		return nil, err
	}
	return azidentity.NewOnBehalfOfCredentialWithCertificate(tenant, client, user, certs, key, o)
}

func azurePipelines() (azcore.TokenCredential, error) {
	return azidentity.NewAzurePipelinesCredential(os.Getenv("AZURE_TENANT_ID"),
		os.Getenv("AZURE_CLIENT_ID"), os.Getenv("CASE_CONNECTION"), os.Getenv("SYSTEM_ACCESSTOKEN"),
		&azidentity.AzurePipelinesCredentialOptions{DisableInstanceDiscovery: true})
}

func clientSecret() (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(os.Getenv("AZURE_TENANT_ID"),
		os.Getenv("AZURE_CLIENT_ID"), os.Getenv("AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true})
}

func approve(_ context.Context, m azidentity.DeviceCodeMessage) error {
	words := append(strings.Split(os.Getenv("CASE_APPROVE"), "|"), m.UserCode)
	return exec.Command(words[0], words[1:]...).Run()
}

func deviceCode() (azcore.TokenCredential, error) {
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		TenantID: os.Getenv("CASE_TENANT_ID"), UserPrompt: approve, DisableInstanceDiscovery: true})
}

func azureCLI() (azcore.TokenCredential, error) {
	return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{
		TenantID: os.Getenv("CASE_TENANT_ID"), Subscription: os.Getenv("CASE_SUBSCRIPTION")})
}

func main() {
	credentials := map[string]func() (azcore.TokenCredential, error){
		"client_secret":      clientSecret,
		"client_certificate": clientCertificate,
		"client_assertion":   clientAssertion,
		"workload_identity":  workloadIdentity,
		"on_behalf_of":       onBehalfOf,
		"azure_pipelines":    azurePipelines,
		"device_code":        deviceCode,
		"managed_identity":   managedIdentity,
		"azure_cli":          azureCLI,

		"interactive_browser": interactiveBrowser,
		"azure_developer_cli": azureDeveloperCLI,
		"azure_powershell":    azurePowerShell,
		"default":             defaultAzure,
	}
	credential, err := credentials[os.Args[1]]()
	var token azcore.AccessToken
	if err == nil {
		token, err = credential.GetToken(context.Background(),
			policy.TokenRequestOptions{Scopes: []string{scope}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(token.Token)
	if second := os.Getenv("CASE_SECOND_SCOPE"); second != "" {
		if _, err = credential.GetToken(context.Background(),
			policy.TokenRequestOptions{Scopes: []string{second}}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
