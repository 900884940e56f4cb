package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

const (
	defaultServeFor  = 5 * time.Second
	defaultBodyBytes = 1 << 20
)

// pluginRoutes are the rows of the table that plugins add. What they answer goes through the same front door as everything
// else: rights of the caller, limits, problems, and for those that Ask the response cache.
func (s *Server) pluginRoutes() []route {
	var rows []route
	for i := range s.o.Routes {
		p := &s.o.Routes[i]
		r := route{method: p.Method, path: ginPath(p.Path), name: p.Name, auth: member, serve: servePlugin(p)}
		if p.Public {
			r.auth = open
		}
		if p.Ask != nil {
			r.serve = askPlugin(p)
		}
		rows = append(rows, r)
	}
	return rows
}

// managingDocs are of the routes by which plugins are looked after, whose bodies and answers are the same on every site.
var managingDocs = map[string]operationDoc{
	"listPlugins": {answers: ok("The plugins, those that the store alone knows of included.", "PluginList"), problems: "401 403"},
	"readPlugin":  {answers: ok("The plugin.", "Plugin"), problems: "401 403 404"},
	"changePlugin": {body: "PluginChange", answers: ok("The plugin as it is now.", "Plugin"),
		problems: "400 401 403 404 409 413 422 503"},
	"uninstallPlugin": {body: "PluginRemoval", optionalBody: true, answers: ok("The plugin as it is now.", "Plugin"),
		problems: "400 401 403 404 409 413 422 503"},
}

// pluginDocs describe them.
func (s *Server) pluginDocs() map[string]operationDoc {
	docs := map[string]operationDoc{}
	for _, p := range s.o.Routes {
		if doc, ok := managingDocs[p.Name]; ok {
			doc.tag, doc.summary = "plugins", p.Summary
			docs[p.Name] = doc
			continue
		}
		docs[p.Name] = operationDoc{tag: "plugins", summary: p.Summary, answers: []answerDoc{{"200", "The answer.", "", "*/*"}}, problems: "400 401 403 404"}
	}
	return docs
}

// ginPath writes a path with {name} as the router wants it.
func ginPath(path string) string {
	return strings.NewReplacer("/{", "/:", "}", "").Replace(path)
}

func (s *Server) routeRequest(c *gin.Context) (*core.RouteRequest, error) {
	params, err := queryOf(c.Request)
	if err != nil {
		return nil, err
	}
	return &core.RouteRequest{Request: c.Request, Who: of(c).who, Locale: languageOf(c.Request.Header), Query: params, Value: c.Param}, nil
}

func askPlugin(p *core.Route) handler {
	return func(s *Server, c *gin.Context) error {
		r, err := s.routeRequest(c)
		if err != nil {
			return err
		}
		if err := s.openPreview(c, r.Query); err != nil {
			return err
		}
		return s.ask(c, r.Query, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
			r.Who = who
			return p.Ask(ctx, r)
		})
	}
}

func servePlugin(p *core.Route) handler {
	within, size := either(p.Timeout, defaultServeFor), either(p.BodyBytes, defaultBodyBytes)
	return func(s *Server, c *gin.Context) error {
		r, err := s.routeRequest(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Request.Context(), within)
		defer cancel()
		r.Request = c.Request.WithContext(ctx)
		r.Body = http.MaxBytesReader(c.Writer, c.Request.Body, size)
		return cutOff(p.Serve(c.Writer, r), size)
	}
}

// cutOff says of a body that was cut off that it was too large, whatever the plugin made of it.
func cutOff(err error, size int64) error {
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return core.Refuse(core.CodeTooLarge, "", "The body has more than %d bytes.", "Le texte dépasse %d octets.", size)
	}
	return err
}
