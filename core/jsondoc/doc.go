// Package jsondoc works with JSON documents as Palabre keeps them: objects whose numbers stay as they were
// written. A document is either its JSON text or, decoded, map[string]any, []any, string, json.Number, bool and nil.
//
// Decode reads what a stranger sent and refuses what could harm: duplicate keys, keys that differ only by case,
// numbers, depths and sizes out of all proportion. Parse reads what we stored ourselves.
// The formats are JSON (RFC 8259, RFC 7493), JSON Pointer (RFC 6901), JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396).
package jsondoc
