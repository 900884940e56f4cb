// Package oidc signs people in with the accounts that they have elsewhere: OpenID Connect with discovery, authorization
// code, PKCE (S256), state and nonce, at any number of providers.
//
// Service speaks with the providers and ends in an Identity: what a provider vouches for. What it needs between the two
// halves of a sign-in lies sealed with the browser, in the value of a short-lived cookie, so that any node can go on with
// what another began. Accounts decides whose account an Identity is.
//
// The rules that are easily broken: an identity is the issuer with the subject, never an e-mail address; an address that
// the provider has not verified joins nobody's account; nobody becomes an administrator unless the configuration maps a
// claim's value to that very role; and where the browser goes afterwards is a path of this site.
package oidc
