package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"time"
)

// Probe is an address that answers 200 once something is there.
type Probe struct {
	URL string `json:"url"`
	// CA is the file that an https address is verified with.
	CA string `json:"ca"`
	// Token, if any, is sent as a bearer token.
	Token string `json:"token"`
}

const (
	between = 50 * time.Millisecond
	timeout = 2 * time.Second
)

// wait returns true when the address answers, false if `stop` was closed before. No probe is always answered.
func (p *Probe) wait(stop <-chan struct{}) bool {
	if p == nil {
		return true
	}
	client := p.client()
	defer client.CloseIdleConnections()
	for !p.answered(client) {
		select {
		case <-stop:
			return false
		case <-time.After(between):
		}
	}
	return true
}

func (p *Probe) client() *http.Client {
	roots := x509.NewCertPool()
	if text, err := os.ReadFile(p.CA); err == nil {
		roots.AppendCertsFromPEM(text)
	}
	// A transport without Proxy: everything that is asked is inside this container.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &http.Client{Timeout: timeout, Transport: transport}
}

func (p *Probe) answered(client *http.Client) bool {
	request, err := http.NewRequest(http.MethodGet, p.URL, nil)
	if err != nil {
		return false
	}
	if p.Token != "" {
		request.Header.Set("Authorization", "Bearer "+p.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
