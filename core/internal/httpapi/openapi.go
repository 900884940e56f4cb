package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// object is a JSON object that is being put together.
type object = map[string]any

// describeAPI gives the OpenAPI description of what the caller may see: every route of the table, and for each visible
// type its own paths and schemas.
func describeAPI(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	return s.askSelf(c, "openapi", func(ctx context.Context, who *core.Principal, types []*core.Type) ([]byte, error) {
		return s.openapi(ctx, who, types)
	})
}

// askSelf replies with what this package says itself about the types that the caller may see, kept like any answer. It
// changes with the types and the rights, which every kept answer looks at, and not with content.
func (s *Server) askSelf(c *gin.Context, what string, build func(ctx context.Context, who *core.Principal, types []*core.Type) ([]byte, error)) error {
	return s.ask(c, nil, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		types, err := s.o.Reader.Visible(ctx, who)
		if err != nil {
			return nil, err
		}
		p := &core.Pending{Key: what + "\x00" + who.Kind + "\x00" + strings.Join(who.Roles, "\x00")}
		p.Answer = func(ctx context.Context) (*core.Answer, error) {
			body, err := build(ctx, who, types)
			return &core.Answer{Body: body, Tags: []string{what}}, err
		}
		return p, nil
	})
}

func (s *Server) openapi(ctx context.Context, who *core.Principal, types []*core.Type) ([]byte, error) {
	d := description{paths: object{}, schemas: commonSchemas(), plugins: s.pluginDocs()}
	for i := range s.table {
		d.addRoute(&s.table[i], nil)
	}
	for _, t := range types {
		schema, err := s.o.Reader.Schema(ctx, who, t.Name)
		if err != nil {
			return nil, err
		}
		if err := d.addType(t, schema); err != nil {
			return nil, err
		}
		for i := range s.table {
			if strings.HasPrefix(s.table[i].path, contentPath) {
				d.addRoute(&s.table[i], t)
			}
		}
	}
	return jsondoc.Encode(d.document(s)), nil
}

// description grows into an OpenAPI document.
type description struct {
	paths   object
	schemas object
	tags    []any
	plugins map[string]operationDoc // of their routes
}

func (d *description) docOf(r *route) operationDoc {
	if doc, ok := d.plugins[r.name]; ok {
		return doc
	}
	return operationDocs[r.name]
}

func (d *description) document(s *Server) object {
	return object{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info":              object{"title": s.o.Name, "version": s.o.Version, "description": "Content as JSON. Anyone reads what is published of public types; an API token opens what its role allows."},
		"servers":           []any{object{"url": either(strings.TrimSuffix(s.o.PublicURL, "/"), "/")}},
		"security":          []any{object{}, object{"token": []any{}}, object{"session": []any{}, "csrf": []any{}}},
		"tags":              append(d.commonTags(), d.tags...),
		"paths":             d.paths,
		"components": object{"schemas": d.schemas, "parameters": parameters(), "responses": responses(), "headers": headers(),
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "An API token, pal_…"},
				"session": object{"type": "apiKey", "in": "cookie", "name": s.cookieName(sessionName), "description": "A session, as signing in begins it."},
				"csrf":    object{"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "The token of the session, which its writes need."}}},
	}
}

func tag(name, text string) object { return object{"name": name, "description": text} }

// addRoute describes a row of the table: for a type, or with nil for all of them.
func (d *description) addRoute(r *route, t *core.Type) {
	path, params := pathOf(r.path, t)
	item, ok := d.paths[path].(object)
	if !ok {
		item = object{}
		d.paths[path] = item
	}
	if len(params) > 0 {
		item["parameters"] = params
	}
	item[strings.ToLower(r.method)] = operationOf(r, t, d.docOf(r))
}

// pathOf writes a path as OpenAPI does, with the parameters that are left in it.
func pathOf(path string, t *core.Type) (string, []any) {
	var params []any
	parts := strings.Split(path, "/")
	for i, part := range parts {
		name, isParam := strings.CutPrefix(part, ":")
		switch {
		case !isParam:
		case name == "type" && t != nil:
			parts[i] = string(t.Name)
		default:
			parts[i] = "{" + name + "}"
			params = append(params, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}, "description": pathParams[name]})
		}
	}
	return strings.Join(parts, "/"), params
}

var pathParams = map[string]string{
	"type": "The name of a content type.",
	"id":   "The identifier of an entry; for reading one also its slug.",
	"rev":  "A revision, counted from 1.",
	"name": "The name of a transition of the type’s workflow, or restore.",
	"code": "The code of a problem, with - for _.",
	"file": "The name of a file.",

	"provider": "The name of a place to sign in.",
}

// operationOf describes one method of one path.
func operationOf(r *route, t *core.Type, doc operationDoc) object {
	id, tags := r.name, []any{doc.tag}
	if t != nil {
		id, tags = r.name+"_"+string(t.Name), []any{string(t.Name)}
	}
	o := object{"operationId": id, "summary": doc.summary, "tags": tags, "responses": doc.responses(r, t)}
	if r.auth == open {
		o["security"] = []any{object{}}
	}
	if params := doc.parameters(r); len(params) > 0 {
		o["parameters"] = params
	}
	if body := doc.requestBody(t); body != nil {
		o["requestBody"] = body
	}
	return o
}

func schemaRef(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func (doc operationDoc) parameters(r *route) []any {
	var list []any
	for name := range strings.FieldsSeq(doc.params) {
		list = append(list, object{"$ref": "#/components/parameters/" + name})
	}
	if r.method == http.MethodGet && r.auth != open && r.auth != self && r.auth != served {
		list = append(list, object{"$ref": "#/components/parameters/waitForPosition"}, object{"$ref": "#/components/parameters/ifNoneMatch"})
	}
	return list
}

func (doc operationDoc) requestBody(t *core.Type) object {
	if doc.body == "" {
		return nil
	}
	content := object{"application/json": object{"schema": schemaRef(named(doc.body, t))}}
	if doc.body == "EntryPatch" {
		content["application/merge-patch+json"] = content["application/json"]
	}
	if doc.body == "ResetForm" {
		content = object{formTypes[0]: content["application/json"]}
	}
	return object{"required": !doc.optionalBody, "content": content}
}

// named gives a schema's name for a type: Entry becomes fiche, EntryWrite fiche_write.
func named(schema string, t *core.Type) string {
	suffix, isEntry := strings.CutPrefix(schema, "Entry")
	if t == nil || !isEntry {
		return schema
	}
	if suffix == "" {
		return string(t.Name)
	}
	return string(t.Name) + "_" + strings.ToLower(suffix)
}

func (doc operationDoc) responses(r *route, t *core.Type) object {
	out := object{}
	for _, a := range doc.answers {
		answer := object{"description": a.text}
		if a.schema != "" {
			answer["content"] = object{either(a.media, "application/json"): object{"schema": schemaRef(named(a.schema, t))}}
		} else if a.media != "" {
			answer["content"] = object{a.media: object{"schema": object{"type": "string"}}}
		}
		if names := answerHeaders(r, a.status); len(names) > 0 {
			answer["headers"] = names
		}
		out[a.status] = answer
	}
	for status := range strings.FieldsSeq(doc.problems) {
		out[status] = object{"$ref": "#/components/responses/" + status}
	}
	out["default"] = object{"$ref": "#/components/responses/problem"}
	return out
}

// answerHeaders lists the headers that belong to a good answer of a route.
func answerHeaders(r *route, status string) object {
	h := object{"X-Request-ID": headerRef("X-Request-ID")}
	if r.auth == open || r.auth == kept || r.auth == self || r.auth == served || status[0] != '2' {
		return h
	}
	if r.method != http.MethodGet && r.name != "queryEntries" && r.name != "checkType" {
		h["Content-Position"] = headerRef("Content-Position")
	}
	if status == "201" {
		h["Location"] = headerRef("Location")
	}
	if status != "204" {
		h["ETag"] = headerRef("ETag")
	}
	return h
}

func headerRef(name string) object { return object{"$ref": "#/components/headers/" + name} }

// commonTags are the headings that every site has.
func (d *description) commonTags() []any {
	return []any{tag("content", "Entries of any type"), tag("types", "Content types"), tag("accounts", "Signing in"), tag("access", "Who may do what"), tag("privacy", "Personal data"),
		tag("operations", "Running the server"), tag("plugins", "What plugins answer")}
}
