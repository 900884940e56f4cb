// Package transfer moves content in and out as text: JSON Lines and CSV.
//
// # JSON Lines
//
// One entry a line: its fields, and beside them what the system keeps, under names that begin with "_":
//
//	{"_type": "fiche", "_status": "published", "title": "…", "partner": {"_slug": "atelier", "_type": "partner"}}
//
//	_type         the content type; may be left out when the import names one
//	_id           the identifier: kept by an import, so that references between exported entries stay whole
//	_status       published, draft, or scheduled with a time in _publishAt; _unpublishAt ends a publication
//	_locale       the language that the fields are in, when it is not the type's first
//	_i18n         translations, as they are stored
//
// The other names that an export writes (_rev, _createdAt, …) are facts of the store that it came from, and passed over.
//
// # CSV
//
// The first line names the fields, with dots into groups: commune.code. A list of plain values is one cell, joined by
// "|"; a point is two columns, location.lat and location.lon; a reference is a slug, an identifier or type/slug; whatever
// has no better form is JSON. The system's names above are columns too. An empty cell is no value. The
// separator, ";" or ",", is found out, and a byte order mark passed over. No cell that is written can be taken for a formula
// by a spreadsheet: text that begins like one gets an apostrophe in front, which an import takes away again.
//
// # Bad lines
//
// A line that cannot be taken is reported with its number, the place, the value and the reason, and the others go on.
package transfer
