// Package migrate reviews and applies changes of content types.
//
// A change is reviewed before it is applied: the proposed schema runs over every stored entry, drafts, published
// documents and the trash. The review names what differs (by x-id, so that a rename is a rename), how many entries would
// break and the first of them, and what would repair each. Nothing is dropped that was not named.
//
// # Applying
//
// One commit puts the new schema in place and, in the same entry of "_type", notes the repairs that are still to do
// ("pending"). Then every entry is looked at in the order of identifiers, in commits of at most 200, and the note is
// taken away. A crash anywhere leaves the note: Resume does the rest. Every step may be done twice: an entry on which a
// repair changes nothing is passed over. Nodes may do it at once: each rewrite names the revision that it is of.
//
//	migrate.go   Service: Check, Apply, Resume
//	compare.go   what differs between two versions of a type
//	keywords.go  the keywords of a field, found in the schema's text
//	repair.go    repairs, on documents
//	convert.go   values from one kind to another
//	examine.go   a proposed schema over every entry
//	propose.go   what would repair what breaks
//	rewrite.go   the commits
//	stored.go    the entries of "_type"
package migrate
