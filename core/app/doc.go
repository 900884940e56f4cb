// Package app is the composition root: the one place that knows every part of Palabre and hands each what it needs.
// A program is New and Run; a test or a command is New, Start, the services, and Close.
//
//	store.go      the log: embedded or MongoDB, and what one does to it alone
//	private.go    who on the machine may read the data directory
//	types.go      the registry of compiled content types
//	app.go        the parts put together, their life from New to Close
//	settle.go     what a store needs once: types from files, the first administrator, the demo
//	schemas.go    content types from files, compared with those in the store
//	tokens.go     API tokens
//	tokenrole.go  tokens by their name, and what roles there are for them
//	users.go      people's accounts, as the command line sees them
//	accounts.go   how people sign in, and the first administrator
//	audit.go      who did what, and which events there are
//	privacy.go    personal data: the daily sweep, catalogs made anew after an erasure
//	transfer.go   import and export
//	typestore.go  content types as the command line sees them
//	client.go     the same on a running server, through its API
//
// # A start
//
// The data directory is locked, the log and the catalog are opened, and the catalog is brought up to the end of the
// log. With the store away, the node serves what its catalog holds; what must be written first waits until the store is
// back. A content type in a file that would break stored entries stops the start, and says which command mends it.
package app
