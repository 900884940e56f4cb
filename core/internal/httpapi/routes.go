package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// auth says what decides who may call a route.
type auth string

const (
	open   auth = "open"   // anyone: it tells nothing of content, or only what each caller may see
	scoped auth = "scoped" // the caller's rights on the type, under the route's action
	ruled  auth = "ruled"  // each operation in the body by its own action
	kept   auth = "kept"   // the caller's right on the store as a whole, under the route's action
	self   auth = "self"   // whoever is signed in, on what is his own
	served auth = "served" // the service by the caller's rights, anew for each request: no answer is anybody's to keep
	erases auth = "erases" // the caller's right on the type of erasures, under the route's action
	member auth = "member" // whoever is signed in, by a session or a token; a plugin decides the rest
)

// byName is the action of a route whose path names it.
const byName core.Action = "{name}"

// route is one row of the table. Its name is also the operationId of the API's description.
type route struct {
	method string
	path   string
	name   string
	serve  handler
	action core.Action
	auth   auth
}

// handler parses, calls one service, and replies; what it returns is answered by fail.
type handler func(s *Server, c *gin.Context) error

const (
	contentPath = "/api/v1/content/:type"
	entryPath   = contentPath + "/:id"
)

// routes is every address of this server. It answers "who may call this".
func (s *Server) routes() []route {
	table := []route{
		// method  path                                        name                 handler              action              auth
		{"GET", contentPath, "listEntries", listEntries, core.ActionList, scoped},
		{"POST", contentPath, "createEntry", createEntry, core.ActionCreate, scoped},
		{"POST", contentPath + "/query", "queryEntries", queryEntries, core.ActionList, scoped},
		{"GET", entryPath, "readEntry", readEntry, core.ActionRead, scoped},
		{"PATCH", entryPath, "updateEntry", updateEntry, core.ActionUpdate, scoped},
		{"PUT", entryPath, "replaceEntry", replaceEntry, core.ActionUpdate, scoped},
		{"DELETE", entryPath, "deleteEntry", deleteEntry, core.ActionDelete, scoped},
		{"POST", entryPath + "/transitions/:name", "moveEntry", moveEntry, byName, scoped},
		{"GET", entryPath + "/revisions", "listRevisions", listRevisions, core.ActionHistory, scoped},
		{"GET", entryPath + "/revisions/:rev", "readRevision", readRevision, core.ActionHistory, scoped},
		{"POST", entryPath + "/revisions/:rev/restore", "restoreRevision", restoreRevision, core.ActionUpdate, scoped},
		{"GET", entryPath + "/references", "listReferences", listReferences, core.ActionRead, scoped},
		{"POST", "/api/v1/batch", "batch", batch, "", ruled},
		{"GET", "/api/v1/search", "search", search, core.ActionList, ruled},
		{"GET", "/api/v1/changes", "followChanges", followChanges, core.ActionRead, ruled},
		{"GET", "/api/v1/types", "listTypes", listTypes, "", open},
		{"GET", "/api/v1/types/:type", "readType", readType, core.ActionList, scoped},
		{"POST", "/api/v1/types/:type/check", "checkType", checkType, core.ActionManage, scoped},
		{"PUT", "/api/v1/types/:type", "applyType", applyType, core.ActionManage, scoped},
		{"POST", "/api/v1/catalog/rebuild", "rebuildCatalog", rebuildCatalog, core.ActionManage, kept},
		{"POST", "/api/v1/catalog/verify", "verifyCatalog", verifyCatalog, core.ActionManage, kept},
		{"GET", "/api/v1/access/explain", "explainRight", explainRight, "", served},
		{"POST", "/api/v1/access/preview", "previewRole", previewRole, "", served},
		{"GET", "/api/v1/export/:type", "exportEntries", exportEntries, core.ActionExport, served},
		{"GET", "/api/v1/audit", "listAudit", listAudit, core.ActionList, served},
		{"GET", "/api/v1/privacy/register", "privacyRegister", privacyRegister, core.ActionRead, erases},
		{"POST", "/api/v1/privacy/subjects", "findSubject", findSubject, core.ActionRead, erases},
		{"POST", "/api/v1/privacy/subjects/export", "exportSubject", exportSubject, core.ActionExport, erases},
		{"POST", "/api/v1/privacy/erasures", "erase", erase, core.ActionCreate, erases},
		{"GET", "/api/v1/privacy/retention", "reviewRetention", reviewRetention, core.ActionRead, erases},
		{"POST", "/api/v1/privacy/retention", "sweepRetention", sweepRetention, core.ActionCreate, erases},
		{"GET", "/openapi.json", "describeAPI", describeAPI, "", open},
		{"GET", "/healthz", "healthz", healthz, "", open},
		{"GET", "/readyz", "readyz", readyz, "", open},
		{"GET", "/metrics", "metrics", exposeMetrics, "", open},
		{"GET", "/", "home", home, "", open},
		{"GET", "/browse/:type", "browseType", browseType, core.ActionList, scoped},
		{"GET", "/browse/:type/:id", "browseEntry", browseEntry, core.ActionRead, scoped},
		{"GET", "/problems/:code", "explainProblem", explainProblem, "", open},
		{"GET", "/assets/:file", "asset", asset, "", open},
	}
	if s.o.NoMetrics {
		table = without(table, "metrics")
	}
	if s.o.Rights == nil {
		table = without(without(table, "explainRight"), "previewRole")
	}
	if s.o.Keeper == nil {
		table = without(without(table, "rebuildCatalog"), "verifyCatalog")
	}
	if s.o.Accounts != nil {
		table = append(table, authRoutes()...)
	}
	if s.o.Auditor == nil {
		table = without(table, "listAudit")
	}
	if s.o.Exporter == nil {
		table = without(table, "exportEntries")
	}
	if s.o.Privacy == nil {
		table = slices.DeleteFunc(table, func(r route) bool { return r.auth == erases })
	}
	return append(table, s.pluginRoutes()...)
}

func without(table []route, name string) []route {
	var rest []route
	for _, r := range table {
		if r.name != name {
			rest = append(rest, r)
		}
	}
	return rest
}

// handle makes a gin handler of a row.
func (s *Server) handle(r *route, h handler) gin.HandlerFunc {
	t := s.metrics.tally(r.name)
	return func(c *gin.Context) {
		q := of(c)
		q.tally = t
		if r.auth != scoped || r.method != http.MethodGet { // what is only read leaves no trace to say it of
			c.Request = c.Request.WithContext(core.WithOrigin(c.Request.Context(), s.originOf(c)))
		}
		err := s.allow(c, q, r)
		if err == nil {
			err = h(s, c)
		}
		if err != nil {
			s.fail(c.Writer, q, c.Request, unlessKept(q, r, err))
		}
	}
}

// allow asks for the caller's right before a body is read. The services ask again, with the entry in hand: this only
// keeps strangers from making the server work.
func (s *Server) allow(c *gin.Context, q *request, r *route) error {
	if (strings.HasPrefix(r.path, authPath) || r.path == resetPath) && unsafe(c.Request.Method) && !s.ownOrigin(c.Request) {
		return foreignOrigin()
	}
	if r.auth == kept {
		return s.allowKeeping(c, q, r.action)
	}
	if r.auth == self {
		return allowSelf(q)
	}
	if r.auth == member && q.who.Anonymous() {
		return core.Refuse(core.CodeUnauthenticated, "", "Sign in, or send an API token: Authorization: Bearer pal_….", "Connectez-vous, ou envoyez un jeton d’API : Authorization: Bearer pal_….")
	}
	if r.auth == erases {
		return s.allowErasing(c, q, r.action)
	}
	if r.auth != scoped || c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		return nil
	}
	action := r.action
	if action == byName {
		if action = core.Action(c.Param("name")); !q.who.Anonymous() {
			return nil
		}
	}
	t, err := s.typeNamed(c)
	if err != nil {
		if action == core.ActionManage {
			return s.allowNewType(c, q)
		}
		return err
	}
	_, err = s.o.Access.Scope(c.Request.Context(), q.who, t, action)
	return err
}

// allowNewType stands in for the right on a type that does not exist yet.
func (s *Server) allowNewType(c *gin.Context, q *request) error {
	_, err := s.o.Access.Scope(c.Request.Context(), q.who, core.NewType(core.Type{Name: typeParam(c)}), core.ActionManage)
	return err
}

func typeParam(c *gin.Context) core.TypeName { return core.TypeName(c.Param("type")) }

func (s *Server) typeNamed(c *gin.Context) (*core.Type, error) {
	t, ok := s.o.Types.Type(typeParam(c))
	if !ok {
		return nil, core.NoType(typeParam(c))
	}
	return t, nil
}

func noRoute(*Server, *gin.Context) error { return noSuchPage() }

// noMethod answers what the address cannot do, and the preflight requests of browsers.
func noMethod(s *Server, c *gin.Context) error {
	allowed := c.Writer.Header().Get("Allow")
	if c.Request.Method == http.MethodOptions {
		s.preflight(c, allowed)
		return nil
	}
	err := core.Refuse(core.CodeBadRequest, "", "This address answers "+allowed+".", "Cette adresse répond à "+allowed+".")
	return as(http.StatusMethodNotAllowed, err)
}
