// A website about fiches in one file: go run main.go, then http://localhost:3000
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

var api = cmp.Or(os.Getenv("PALABRE_URL"), "http://127.0.0.1:8080") + "/api/v1"

func main() {
	http.HandleFunc("GET /{$}", list)
	http.HandleFunc("GET /fiches/{slug}", one)
	server := &http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:3000"), ReadHeaderTimeout: 5 * time.Second}
	log.Println("http://" + server.Addr)
	log.Fatal(server.ListenAndServe())
}

// What the pages use of a fiche. The answer holds only what "fields" asks for.
type fiche struct {
	Slug, Title, Lead string
	Authority         struct{ Name string }
	Approaches        []string
	Takeaways         []string
	Locale            string `json:"_locale"`
}

type page struct {
	Data []fiche
	Page struct {
		Total int
		Next  string
	}
	Facets map[string][]struct {
		Value string
		Count int
	}
}

// list shows the fiches that the visitor's choices leave. The page's own parameters are short; these become a query.
func list(w http.ResponseWriter, r *http.Request) {
	chosen := r.URL.Query()
	query := url.Values{
		"fields": {"title,slug,lead,authority.name,approaches"}, "include": {"authority"},
		"facets": {"approaches,carrierType"}, "limit": {"12"}, "locale": {"fr"},
	}
	if q := chosen.Get("q"); q != "" {
		query.Set("q", q)
	} else {
		query.Set("sort", "title") // with q, the best matches come first
	}
	for _, field := range []string{"approaches", "carrierType"} {
		if v := chosen.Get(field); v != "" {
			query.Set("filter["+field+"]", v)
		}
	}
	if after := chosen.Get("after"); after != "" {
		query.Set("after", after)
	}
	var p page
	control, err := get("/content/fiche?"+query.Encode(), &p)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Cache-Control", control) // a page may be kept for as long as what it is made of
	next := r.URL.Query()
	next.Set("after", p.Page.Next)
	show(w, "list", map[string]any{"Page": p, "Chosen": chosen, "Next": template.URL("?" + next.Encode()), "Labels": labels()})
}

func one(w http.ResponseWriter, r *http.Request) {
	var f fiche
	control, err := get("/content/fiche/"+url.PathEscape(r.PathValue("slug"))+"?include=authority&fields=title,slug,lead,authority.name,takeaways&locale=fr", &f)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Cache-Control", control)
	show(w, "one", f)
}

// labels gives the words for the codes of a field: they stand in the type, not in every entry.
func labels() map[string]map[string]string {
	type field struct {
		Labels map[string]struct{ Fr string } `json:"x-enum-labels"`
		Items  *field
	}
	var schema struct{ Properties map[string]field }
	if _, err := get("/types/fiche", &schema); err != nil {
		return nil
	}
	all := map[string]map[string]string{}
	for name, f := range schema.Properties {
		if f.Items != nil {
			f = *f.Items
		}
		all[name] = map[string]string{}
		for code, l := range f.Labels {
			all[name][code] = l.Fr
		}
	}
	return all
}

// answer is what we know of an address: its body, and the tag by which Palabre says that it is still the same.
type answer struct {
	tag, control string
	body         []byte
}

var kept sync.Map // address to *answer

type status int

func (s status) Error() string { return fmt.Sprintf("the API answered %d", int(s)) }

var client = &http.Client{Timeout: 5 * time.Second}

// get reads an address of the API. An answer that has not changed costs a 304 and no body.
func get(path string, into any) (control string, err error) {
	request, err := http.NewRequest("GET", api+path, nil)
	if err != nil {
		return "", err
	}
	known, _ := kept.Load(path)
	before, _ := known.(*answer)
	if before != nil {
		request.Header.Set("If-None-Match", before.tag)
	}
	response, err := client.Do(request)
	if err != nil {
		if before != nil { // the API is away: show what we had
			return "no-cache", json.Unmarshal(before.body, into)
		}
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotModified && before != nil {
		return response.Header.Get("Cache-Control"), json.Unmarshal(before.body, into)
	}
	if response.StatusCode != http.StatusOK {
		return "", status(response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return "", err
	}
	now := &answer{tag: response.Header.Get("ETag"), control: response.Header.Get("Cache-Control"), body: body}
	kept.Store(path, now) // a real site bounds this
	return now.control, json.Unmarshal(body, into)
}

func fail(w http.ResponseWriter, err error) {
	if s, ok := err.(status); ok && s < 500 {
		http.Error(w, "Cette page n’existe pas.", int(s))
		return
	}
	log.Println(err)
	http.Error(w, "Le site est indisponible, revenez dans un instant.", http.StatusBadGateway)
}

func show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		log.Println(err)
	}
}

// pairs makes a map of its arguments, two by two.
func pairs(words ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{"pairs": pairs}).Parse(`
{{define "list"}}<!doctype html><html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Les fiches</title>
<style>body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}form{display:flex;gap:1rem;flex-wrap:wrap}</style>
<h1>Les fiches</h1>
<form>
  <label>Rechercher <input type="search" name="q" value="{{.Chosen.Get "q"}}"></label>
  {{range $field, $name := (pairs "approaches" "Démarche" "carrierType" "Porteur")}}
  <label>{{$name}} <select name="{{$field}}"><option value="">Toutes</option>
    {{$labels := index $.Labels $field}}{{$now := $.Chosen.Get $field}}
    {{range index $.Page.Facets $field}}<option value="{{.Value}}" {{if eq .Value $now}}selected{{end}}>{{or (index $labels .Value) .Value}} ({{.Count}})</option>{{end}}
  </select></label>{{end}}
  <button>Filtrer</button>
</form>
<p role="status">{{.Page.Page.Total}} fiches</p>
{{range .Page.Data}}<article><h2><a href="/fiches/{{.Slug}}">{{.Title}}</a></h2><p>{{.Authority.Name}}</p><p>{{.Lead}}</p></article>{{end}}
{{if .Page.Page.Next}}<a rel="next" href="{{.Next}}">Suite</a>{{end}}</html>{{end}}

{{define "one"}}<!doctype html><html lang="fr"><meta charset="utf-8"><title>{{.Title}}</title>
<p><a href="/">Toutes les fiches</a></p><h1>{{.Title}}</h1><p>{{.Authority.Name}}</p><p>{{.Lead}}</p>
<ul>{{range .Takeaways}}<li>{{.}}</li>{{end}}</ul></html>{{end}}
`))
