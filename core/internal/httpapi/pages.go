package httpapi

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

//go:embed pages
var pageFiles embed.FS

// pagePolicy lets a page load its own style and pictures, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var htmlKind = []string{"text/html; charset=utf-8"}

// pages are the templates, and the files that they need under names that change with what is in them.
type pages struct {
	templates map[string]*template.Template
	assets    map[string]pageAsset
	style     string
	icon      string
}

type pageAsset struct {
	body []byte
	kind []string
}

func newPages() (*pages, error) {
	p := &pages{templates: map[string]*template.Template{}, assets: map[string]pageAsset{}}
	for _, name := range []string{"home", "list", "entry", "problem", "reset"} {
		t, err := template.ParseFS(pageFiles, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("httpapi: %w", err)
		}
		p.templates[name] = t
	}
	var err error
	if p.style, err = p.add("style.css", "text/css; charset=utf-8"); err != nil {
		return nil, err
	}
	p.icon, err = p.add("icon.svg", "image/svg+xml")
	return p, err
}

func (p *pages) add(file, kind string) (string, error) {
	body, err := pageFiles.ReadFile("pages/" + file)
	if err != nil {
		return "", fmt.Errorf("httpapi: %w", err)
	}
	sum := sha256.Sum256(body)
	name, ext, _ := strings.Cut(file, ".")
	name += "." + hex.EncodeToString(sum[:6]) + "." + ext
	p.assets[name] = pageAsset{body: body, kind: []string{kind}}
	return "/assets/" + name, nil
}

// asset gives a file of the pages: its name says what is in it, so it may be kept for ever.
func asset(s *Server, c *gin.Context) error {
	f, ok := s.pages.assets[c.Param("file")]
	if !ok {
		return noSuchPage()
	}
	a := newAnswer(f.body, 0, f.kind)
	a.control = []string{"public, max-age=31536000, immutable"}
	c.Writer.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	s.send(c.Writer, c.Request, a)
	return nil
}

// page is what every template is given.
type page struct {
	Lang      core.Locale
	Explicit  bool // the address says the language, so its links do too
	Title     string
	Site      string
	Version   string
	Style     string
	Icon      string
	Languages []pageLanguage
	Data      any
	find      func(core.TypeName) (*core.Type, bool)
}

type pageLanguage struct {
	Code core.Locale
	Name string
	URL  string
	Here bool
}

func (s *Server) newPage(r *http.Request, title string, data any) page {
	lang, explicit := pageLanguageOf(r)
	p := page{Lang: lang, Explicit: explicit, Title: title, Site: s.o.Name, Version: s.o.Version, Style: s.pages.style, Icon: s.pages.icon, Data: data}
	for _, l := range []pageLanguage{{Code: "fr", Name: "Français"}, {Code: "en", Name: "English"}} {
		params := r.URL.Query()
		params.Set("lang", string(l.Code))
		l.URL, l.Here = r.URL.EscapedPath()+"?"+params.Encode(), l.Code == lang
		p.Languages = append(p.Languages, l)
	}
	return p
}

// pageLanguageOf chooses a page's language: what the address says, else the browser, else French.
func pageLanguageOf(r *http.Request) (lang core.Locale, explicit bool) {
	if l := core.Locale(r.URL.Query().Get("lang")); l == "fr" || l == "en" {
		return l, true
	}
	return spoken(r.Header, "fr"), false
}

// Say gives a text of the interface.
func (p page) Say(name string) string { return pageTexts[name].In(p.Lang) }

// Link gives an address that keeps the language.
func (p page) Link(path string) string { return p.link(path, nil) }

func (p page) link(path string, params url.Values) string {
	if params == nil {
		params = url.Values{}
	}
	if p.Explicit {
		params.Set("lang", string(p.Lang))
	}
	if len(params) == 0 {
		return path
	}
	return path + "?" + params.Encode()
}

func browsePath(name core.TypeName, idOrSlug string) string {
	path := "/browse/" + url.PathEscape(string(name))
	if idOrSlug != "" {
		path += "/" + url.PathEscape(idOrSlug)
	}
	return path
}

// render makes the text of a page.
func (s *Server) render(template string, p page) ([]byte, error) {
	var b bytes.Buffer
	if err := s.pages.templates[template].ExecuteTemplate(&b, "layout", p); err != nil {
		return nil, core.Wrap("httpapi.render", err)
	}
	return b.Bytes(), nil
}

// show replies with a page.
func (s *Server) show(c *gin.Context, template string, p page) error {
	body, err := s.render(template, p)
	if err != nil {
		return err
	}
	a := newAnswer(body, 0, htmlKind)
	a.vary = varyLanguage
	if of(c).who.Anonymous() {
		a.control = []string{"public, max-age=0, must-revalidate"}
	}
	s.securePage(c.Writer.Header())
	s.send(c.Writer, c.Request, a)
	return nil
}

// wantsPage reports whether a refusal should be one that a person reads.
func wantsPage(r *http.Request) bool {
	p := r.URL.Path
	read := r.Method == http.MethodGet || r.Method == http.MethodHead || p == resetPath
	if !read || strings.HasPrefix(p, "/api/") {
		return false
	}
	return strings.Contains(first(r.Header, "Accept"), "text/html")
}

// problemPage is a problem as a person reads it.
type problemPage struct {
	Status int
	Detail string
}

func (s *Server) failPage(w http.ResponseWriter, q *request, r *http.Request, p problem) {
	lang, _ := pageLanguageOf(r)
	view := s.newPage(r, titleOf(p.status).In(lang), problemPage{Status: p.status, Detail: p.detail})
	body, err := s.render("problem", view)
	if err != nil {
		body = []byte(p.title)
	}
	s.securePage(w.Header())
	w.Header()["Content-Type"] = htmlKind
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a caller who does not listen any more is told nothing
	}
}
