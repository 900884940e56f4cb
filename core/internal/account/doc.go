// Package account signs people in and out, and guards the entries that say who they are.
//
// An account is an entry of _user, a session one of _session. A password is kept as an Argon2id hash, a session as a
// SHA-256 of its secret, the secret of a second factor encrypted with a key of the store. A session holds while its
// entry is there, its time is not over, its account may act, and its epoch is the account's: whatever should end every
// session of an account (another password, other roles, a suspension) moves the epoch in the same commit, and so ends
// them on every node that has seen it.
//
//	account.go    Service: what it is made of
//	record.go     an account as it is stored
//	password.go   hashes and rules
//	throttle.go   how often one may guess
//	failures.go   what the audit is told of guesses
//	cookie.go     the value of a session cookie, and the token against forged requests
//	session.go    sessions: begun, looked up, listed, ended
//	signin.go     signing in and out
//	change.go     passwords changed, forgotten and set anew
//	totp.go       the second factor; factor.go
//	proof.go      what is asked for again before that is touched
//	elsewhere.go  who has proved elsewhere who he is
//	ending.go     accounts whose time is over
//	guard.go      the write path for accounts, sessions and tokens; guarduser.go, administrators.go
//
// A stranger learns nothing of which accounts there are: an unknown one costs the same time and gets the same answer.
package account
