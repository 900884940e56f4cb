package httpapi

import (
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// addType describes a type: what is read, what is written, what a patch is, and a page. Its schema is the one that the
// caller may see, so nothing else is told; nothing is taken from stored entries.
func (d *description) addType(t *core.Type, schema core.Doc) error {
	doc, err := jsondoc.ParseObject(schema)
	if err != nil {
		return core.Wrap("httpapi.openapi", err)
	}
	name := string(t.Name)
	write := translated(doc, "#/components/schemas/"+name+"_write")
	d.schemas[name+"_write"] = write
	d.schemas[name+"_patch"] = object{"type": "object", "description": "The fields to change; null removes one.", "properties": loose(write["properties"])}
	d.schemas[name] = readSchema(t, write)
	d.schemas[name+"_page"] = pageOf(schemaRef(name))
	d.tags = append(d.tags, tag(name, either(t.PluralLabel.In("en"), either(t.Label.In("en"), name))))
	return nil
}

// readSchema is an entry as it is answered: the system's members and the fields, none of which must be there, since
// fields= may leave them out.
func readSchema(t *core.Type, write object) object {
	properties := systemMembers()
	properties["_type"] = object{"const": string(t.Name)}
	for name, v := range loose(write["properties"]) {
		properties[name] = v
	}
	out := object{"type": "object", "required": []any{"_id", "_type"}, "properties": properties}
	for _, name := range []string{"title", "description", "$defs"} {
		if v, ok := write[name]; ok {
			out[name] = v
		}
	}
	return out
}

func loose(properties any) object {
	m, _ := properties.(object)
	if m == nil {
		return object{}
	}
	return m
}

func pageOf(entry object) object {
	return object{"type": "object", "required": []any{"data", "page"}, "properties": object{
		"data": object{"type": "array", "items": entry}, "page": schemaRef("PageInfo"), "facets": schemaRef("Facets")}}
}

// annotated are the schemas of what JSON Schema alone cannot say.
var annotated = map[string]string{"x-ref": "Reference", "x-media": "MediaReference", "x-geo": "Geometry", "x-richtext": "RichText"}

// translated copies a type's schema for OpenAPI: annotations become schemas or go, and references stay inside.
func translated(schema object, root string) object {
	out := object{}
	for name, v := range schema {
		switch {
		case annotated[name] != "":
			out["$ref"] = "#/components/schemas/" + annotated[name]
		case name == "x-label":
			if label := labelOf(v); label != "" && schema["title"] == nil {
				out["title"] = label
			}
		case strings.HasPrefix(name, "x-"), name == "$schema", name == "$id":
		case name == "$ref":
			if target, ok := inside(v, root); ok {
				out["$ref"] = target
			}
		case name == "properties", name == "$defs", name == "patternProperties", name == "dependentSchemas":
			out[name] = translatedEach(v, root)
		case literal(name):
			out[name] = v
		default:
			out[name] = translatedValue(v, root)
		}
	}
	return out
}

// literal keywords hold values, not schemas.
func literal(name string) bool {
	switch name {
	case "enum", "const", "default", "examples", "required", "type", "dependentRequired":
		return true
	}
	return false
}

func labelOf(v any) string {
	m, _ := v.(object)
	return either(textOf(m["en"]), textOf(m["fr"]))
}

// inside moves a reference within the schema to where the schema stands now. A reference to another schema is left out:
// it says no more than that anything may stand there.
func inside(v any, root string) (string, bool) {
	target, local := strings.CutPrefix(textOf(v), "#")
	return root + target, local
}

func translatedEach(v any, root string) any {
	m, ok := v.(object)
	if !ok {
		return v
	}
	out := object{}
	for name, schema := range m {
		out[name] = translatedValue(schema, root)
	}
	return out
}

func translatedValue(v any, root string) any {
	switch v := v.(type) {
	case object:
		return translated(v, root)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = translatedValue(item, root)
		}
		return out
	}
	return v
}

func described(kind, text string) object { return object{"type": kind, "description": text} }

func moment(text string) object {
	return object{"type": "string", "format": "date-time", "description": text}
}

// systemMembers are what the system adds to an entry.
func systemMembers() object {
	return object{
		"_id": described("string", "A ULID in lower case."), "_type": described("string", "The content type."),
		"_rev": described("integer", "Counts the entry’s revisions; If-Match names it."), "_status": described("string", "Where it stands in its workflow."),
		"_locale": described("string", "The language that was served."), "_createdAt": moment("When it was created."), "_updatedAt": moment("When it last changed."),
		"_publishedAt": moment("When it was first published."), "_redirect": described("string", "The present slug, when it was asked for by a former one."),
		"_score": described("number", "The relevance, with q."), "_highlights": object{"type": "object", "description": "Fragments with <mark>, with q."},
	}
}

func fields(required string, properties object) object {
	out := object{"type": "object", "properties": properties}
	if required != "" {
		var names []any
		for name := range strings.FieldsSeq(required) {
			names = append(names, name)
		}
		out["required"] = names
	}
	return out
}

func listOf(items object) object { return object{"type": "array", "items": items} }

// disposal is what becomes of a plugin's data.
func disposal() object {
	return object{"type": "string", "enum": []any{"keep-data", "drop-data"}}
}

// commonSchemas are those that no type brings.
func commonSchemas() object {
	entry := object{"type": "object", "required": []any{"_id", "_type"}, "properties": systemMembers(), "additionalProperties": true}
	anything := object{"type": "object", "additionalProperties": true}
	text, number, flag := typed("string"), typed("integer"), typed("boolean")
	return joinedSchemas(accountSchemas(), object{
		"Entry": entry, "EntryPage": pageOf(schemaRef("Entry")),
		"EntryWrite": object{"type": "object", "description": "The fields alone; _locale says their language.", "properties": object{"_locale": text}, "additionalProperties": true},
		"EntryPatch": anything,
		"PageInfo":   fields("limit next", object{"limit": number, "next": object{"type": []any{"string", "null"}}, "total": number}),
		"Facets":     object{"type": "object", "additionalProperties": listOf(fields("value count", object{"value": object{}, "count": number}))},
		"SearchPage": object{"type": "object", "required": []any{"data"}, "properties": object{"data": listOf(schemaRef("Entry")), "page": anything}},
		"Query":      object{"type": "object", "description": "The parameters of a list as members; filter as a tree.", "additionalProperties": true},
		"Reference": object{"type": "object", "description": "A reference; with include, the entry itself.",
			"properties": object{"_ref": text, "_type": text, "_slug": described("string", "On writing, instead of _ref.")}, "additionalProperties": true},
		"MediaReference": object{"type": "object", "properties": object{"_media": text, "alt": text, "focal": object{}}, "additionalProperties": true},
		"Geometry":       object{"type": "object", "description": "A GeoJSON geometry (RFC 7946).", "required": []any{"type"}, "properties": object{"type": text, "coordinates": object{}}, "additionalProperties": true},
		"RichText":       object{"description": "A tree of blocks; text or HTML with richtext=.", "anyOf": []any{fields("type", object{"type": object{"const": "doc"}, "content": listOf(anything)}), text}},
		"Move":           fields("", object{"at": moment("When; now if it is left out."), "comment": text}),
		"Comment":        fields("", object{"comment": text}),
		"RevisionPage":   object{"type": "object", "properties": object{"data": listOf(schemaRef("Revision"))}, "additionalProperties": true},
		"Revision":       anything,
		"ReferencePage": object{"type": "object", "properties": object{"data": listOf(fields("type id field", object{"type": text, "id": text, "field": text, "in": listOf(text)})),
			"total": number}, "additionalProperties": true},
		"Batch": fields("operations", object{"operations": listOf(schemaRef("Operation")), "partial": flag, "dryRun": flag}),
		"Operation": fields("op type", object{"op": object{"type": "string", "enum": []any{"create", "update", "replace", "upsert", "transition", "delete", "purge", "restore"}},
			"type": text, "id": text, "ifMatch": number, "data": anything, "publish": flag, "name": described("string", "The transition."), "at": moment("When."), "rev": number,
			"match": described("string", "upsert: the unique field that finds the entry."), "comment": text}),
		"BatchResults": fields("results", object{"results": listOf(fields("op type", object{"op": text, "type": text, "id": text, "rev": number, "created": flag, "changed": flag,
			"entry": schemaRef("Entry"), "error": schemaRef("Problem")}))}),
		"ChangePage": fields("data next last", object{"data": listOf(fields("position type id rev operation at", object{"position": number, "type": text, "id": text, "rev": number,
			"operation": text, "at": moment("When.")})), "next": number, "last": flag}),
		"TypeList":   fields("data", object{"data": listOf(object{"type": "object", "required": []any{"name", "schema"}, "properties": object{"name": text, "schema": schemaRef("JSONSchema")}, "additionalProperties": true})}),
		"JSONSchema": anything,
		"Proposal": fields("schema", object{"schema": schemaRef("JSONSchema"), "repairs": listOf(fields("kind path", object{"kind": object{"type": "string", "enum": []any{"fill", "rename", "convert", "drop"}},
			"path": text, "to": text, "value": object{}, "count": number}))}),
		"Review":   anything,
		"Rebuilt":  fields("position entries tookMs", object{"position": number, "entries": number, "tookMs": number}),
		"Verified": fields("position differences", object{"position": number, "differences": listOf(described("string", "What differs; at most a hundred."))}),
		"Role":     anything,
		"Explanation": fields("as roles action type allowed because permission rules hiddenFields", object{"as": text, "roles": listOf(text), "action": text, "type": text, "id": text,
			"allowed": flag, "because": described("string", "A sentence."), "permission": object{"anyOf": []any{anything, typed("null")}}, "rules": listOf(anything), "hiddenFields": listOf(text), "readOnlyFields": listOf(text)}),
		"RolePreview": fields("role new users tokens opens closes fields warnings", object{"role": text, "new": flag, "users": number, "tokens": number, "opens": listOf(anything),
			"closes": listOf(anything), "fields": listOf(anything), "warnings": listOf(fields("pointer keyword message", object{"pointer": text, "keyword": text, "message": text}))}),
		"AuditPage": fields("data page", object{"page": schemaRef("PageInfo"), "data": listOf(fields("position at by event", object{"position": described("integer", "Of the commit that holds it."),
			"at": moment("When."), "by": described("string", "Who."), "event": text, "type": text, "entry": text, "rev": number, "reason": text, "comment": text, "count": number, "detail": anything,
			"origin": fields("", object{"address": text, "agent": text, "request": text})}))}),
		"Register": fields("data", object{"data": listOf(fields("type subject purpose basis class fields entries", object{"type": text, "label": anything, "subject": text, "purpose": text, "basis": text,
			"keep": described("string", "An ISO 8601 duration."), "class": object{"type": "string", "enum": []any{"P0", "P1", "P2", "P3"}}, "fields": listOf(text), "labels": listOf(anything), "entries": number}))}),
		"Subject": fields("text", object{"text": described("string", "A name, an e-mail address, a telephone number: 3 to 200 characters."), "types": listOf(text)}),
		"SubjectReport": fields("found mentions", object{"found": listOf(schemaRef("SubjectEntry")), "more": flag,
			"mentions": object{"type": "array", "items": schemaRef("SubjectEntry"), "description": "In fields that are not declared personal: for a person to look at."}}),
		"SubjectEntry": fields("type id title fields in", object{"type": text, "id": text, "title": text, "fields": listOf(text), "in": listOf(described("string", "draft, published, trash or history")),
			"past": listOf(schemaRef("PastPlace")), "morePast": described("boolean", "Earlier versions mention the subject in more places than are listed.")}),
		"PastPlace": fields("rev position pointer", object{"rev": described("integer", "The version."), "position": described("integer", "Of the commit that holds it."),
			"pointer": described("string", "Into the version: a JSON pointer. /_comment is the remark that came with it, /_slugs are former addresses.")}),
		"SubjectExport": anything,
		"ErasureEntry": fields("type id", object{"type": text, "id": text, "fields": listOf(described("string", "The path of a field, or _comment for the remarks.")), "purge": described("boolean", "Take the whole entry away, with its past."),
			"past": described("boolean", "Take the fields out of earlier versions only.")}),
		"Erasure": fields("entries reason", object{"entries": listOf(schemaRef("ErasureEntry")), "reason": described("string", "Naming nobody."), "dryRun": flag}),
		"ErasureReport": fields("dryRun entries replaced refused commits", object{"_id": text, "dryRun": flag, "entries": listOf(schemaRef("ErasureEntry")), "refused": listOf(anything), "commits": number, "position": number,
			"replaced": listOf(fields("type id field", object{"type": text, "id": text, "field": text}))}),
		"Sweep": fields("", object{"dryRun": flag}),
		"RetentionReport": fields("dryRun at due", object{"dryRun": flag, "at": moment("When it was looked."), "erasure": schemaRef("ErasureReport"),
			"due": listOf(fields("type id fields since", object{"type": text, "id": text, "fields": listOf(text), "since": moment("When its time was over.")}))}),
		"Health":    fields("status", object{"status": text}),
		"Readiness": fields("status reads writes position", object{"status": object{"type": "string", "enum": []any{"ok", "readonly", "draining"}}, "reads": flag, "writes": flag, "position": number, "version": text, "degraded": listOf(text)}),
		"Plugin": object{"type": "object", "required": []any{"id", "version", "enabled", "running"}, "additionalProperties": true, "properties": object{"id": text, "version": text, "name": text,
			"enabled": described("boolean", "As it was decided."), "running": described("boolean", "On this node."), "absent": described("boolean", "The program does not have it any more."),
			"uninstalled": disposal(), "fault": described("string", "Why it is off, for people."), "settings": anything, "stages": anything}},
		"PluginList": fields("data", object{"data": listOf(schemaRef("Plugin"))}),
		"PluginChange": object{"type": "object", "additionalProperties": false, "properties": object{"enabled": flag, "settings": described("object", "A merge patch (RFC 7396)."),
			"stages": object{"type": []any{"object", "null"}, "description": "A merge patch (RFC 7396): the stage of a handler by its event."}}},
		"PluginRemoval": object{"type": "object", "additionalProperties": false, "properties": object{"data": disposal(),
			"confirm": described("string", "The plugin’s ID once more, without which no data is dropped."), "force": described("boolean", "Also when the plugin cannot clear up after itself.")}},
		"ProblemType": fields("type code status title", object{"type": text, "code": text, "status": number, "title": text}),
		"Problem": object{"type": "object", "description": "RFC 9457.", "required": []any{"type", "title", "status", "code", "detail", "instance", "requestId"}, "additionalProperties": true,
			"properties": object{"type": text, "title": text, "status": number, "code": object{"type": "string", "enum": codeNames()}, "detail": text, "instance": text, "requestId": text,
				"errors": listOf(fields("pointer keyword message", object{"pointer": text, "keyword": text, "message": text, "params": anything}))}},
	})
}

func codeNames() []any {
	names := make([]any, len(codes))
	for i, c := range codes {
		names[i] = string(c)
	}
	return names
}
