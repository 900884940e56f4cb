// Package core holds the nouns of Palabre and the contracts between its parts. It imports the standard library and
// core/hook, nothing else; everything that does something stands in a package of its own and is put together by
// core/app.
//
// # The tour
//
// Everything that is stored is an Entry of a Type. Entries change only through Commits, which a Log keeps at
// positions 1, 2, 3, … with no gaps. Whatever answers questions is a view: a fold of the log that can be thrown away
// and rebuilt. The Catalog of each node is the one that serves readers.
//
// A write goes through Content: the caller's right (Access), strict decoding, the Hooks, the type's Validator,
// the commit. A read goes through Reader: the caller's Scope, the Query that Queries made of the request, the
// Catalog, the shape of the answer.
//
//	error.go     Error: code, sentence, cause
//	ids.go       TypeName, EntryID, Locale, Position
//	entry.go     Entry, Meta, View
//	commit.go    Commit, Change, and how a change folds
//	log.go       Log: where commits are kept
//	type.go      Type, Field: a compiled content type
//	workflow.go  Workflow: states and transitions
//	query.go     Query: what can be asked
//	catalog.go   Catalog: what answers
//	access.go    Principal, Scope, Access
//	accounts.go  Accounts: signing in and out
//	origin.go    Origin: where a request came from
//	audit.go     Auditor: who did what, when, from where
//	export.go    Exporter: all entries of a type as a file
//	privacy.go   Privacy: personal data, its register, erasure and retention
//	content.go   Content: the only way in which an entry changes
//	reader.go    Queries, Reader: the read path
//	schemas.go   Compiler, SchemaChanges
//	hooks.go     Hooks: where plugins take part
package core
