// Package read is the read path: it puts together what the caller may see (core.Access), what the caller asked
// (core.Queries), what there is (core.Catalog) and what plugins add or take out (core.Hooks), and writes the answer.
//
// An answer is written from the stored JSON text: members are copied or left out, and nothing is decoded that need not
// be. A plan (plan.go) says what becomes of each member; it is made of the caller's scope, and of fields, include and
// richtext where they are given. A writer (writer.go) follows it. A reference whose target the caller may not see is
// shown as it is stored, whether there is such a target or not.
//
//	list.go, one.go, search.go       pages and single entries
//	include.go                       what references lead to, embedded
//	inverse.go                       what refers to an entry, embedded
//	references.go, revisions.go      where an entry is used, and what it was
//	changes.go                       the log as a follower may see it
//	schema.go                        the types as the caller may see them
package read
