// Package web is the public map page: what a browser loads of it, and the HTML that a server makes of it.
//
// It knows nothing of HTTP. Whoever serves it answers
//
//	/map, /map/embed                    with Page, Content-Type text/html, and the policy PagePolicy or EmbedPolicy
//	/map/assets/{version}/{file}        with Files, where {version} is Version(), to be kept for ever, and AssetPolicy
//	/map/palabre-map.js                 with palabre-map.js of Files, to be kept for an hour: websites name this address
//
// and the addresses of layers, outlines and territories that the scripts ask for. The answer to /map/embed and to
// palabre-map.js is for other sites: they have no X-Frame-Options, and Cross-Origin-Resource-Policy: cross-origin.
//
// Without scripts the page is a list with a search form; scripts add the map beside it, and keep the two in step.
//
// app holds the scripts and the style as they were written: they are served like that. dist holds what build.mjs took from
// MapLibre GL JS, with its licences.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"sync"
)

//go:embed app dist
var embedded embed.FS

// AssetsPath is where Files are served, in front of the version.
const AssetsPath = "/map/assets/"

const pagePolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
	"img-src 'self' data: blob:; form-action 'self'; base-uri 'none'; frame-ancestors "

// The Content Security Policies. A worker has the policy of its own file, so the files may load and ask like the page.
const (
	PagePolicy  = pagePolicy + "'none'"
	AssetPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'"
)

// EmbedPolicy is the policy of /map/embed: ancestors are the sites that may show it, as a policy names them; "*" for all.
func EmbedPolicy(ancestors string) string { return pagePolicy + ancestors }

// Files are the scripts and styles of the page, all in one folder.
func Files() fs.FS { return files{} }

// files looks into the folders of the embedded files one after the other.
type files struct{}

var _ fs.ReadDirFS = files{}

var folders = []string{"app", "dist"}

// Open implements fs.FS.
func (files) Open(name string) (fs.File, error) {
	if name == "." || !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	for _, folder := range folders {
		f, err := embedded.Open(folder + "/" + name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS: it lists the files, whose folder is ".".
func (files) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var all []fs.DirEntry
	for _, folder := range folders {
		entries, err := embedded.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// Version is a name for the present contents of Files: another one when any of them changes.
func Version() string { return version() }

var version = sync.OnceValue(func() string {
	sum := sha256.New()
	entries, _ := files{}.ReadDir(".") // both folders are embedded: they are there
	for _, e := range entries {
		body, _ := fs.ReadFile(Files(), e.Name())
		sum.Write([]byte(e.Name()))
		sum.Write(body)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
})

// asset is the address of a file.
func asset(name string) string { return AssetsPath + Version() + "/" + name }
