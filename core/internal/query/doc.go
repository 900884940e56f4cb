// Package query turns what a caller asked, in a URL or a JSON body, into a core.Query. It knows nothing of how a query is
// answered.
//
// It is the only place where the names in a request are checked, so one rule holds for all parameters: a field that the
// caller may not read gives exactly the answer of one that does not exist, and so does everything behind a reference to
// a type that the caller may not list. Names are looked up in what the caller may know and nowhere else; the "nearest
// right name" in an error comes from there too.
//
// A request goes through three steps, one file or two each:
//
//	url.go, body.go               a wish: the parameters as they were written
//	names.go, filter.go, value.go the wish's names and values, checked against the type and the caller's scope
//	canonical.go, cursor.go       equal requests made equal, and the place after an entry, signed
package query
