// Package basemap serves the tiles that a map is drawn on. A Source is one base map:
//
//   - an Archive, a PMTiles file of vector or raster tiles on the disk, or wherever ranges of bytes can be read;
//   - a Proxy, which asks a raster server for the tiles that people look at and keeps them.
//
// WriteArchive makes an archive, to carry a layer elsewhere, and TileJSON describes a source to a map library.
//
// # PMTiles
//
// The reader and the writer follow version 3 of https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md. An archive
// begins with a header of 127 bytes, which says where its sections lie: the root directory, within the first 16 KB; JSON
// metadata; leaf directories; the tiles. A tile is found by its number along a Hilbert curve through all tiles of all
// zooms. A directory is a compressed list of entries in the order of these numbers; an entry says where the data of one or
// several tiles in a row lie, or, when it stands for none, where the leaf directory lies that goes on from its number.
//
// They are written here because the package of github.com/protomaps/go-pmtiles brings the libraries of three clouds along
// (615 packages) and trusts the numbers in a file; the tests hold the two against each other. Here no number of a file is
// believed before it is compared with the size of the archive and with a limit.
//
// # The tile usage policy of OpenStreetMap
//
// A Proxy keeps to https://operations.osmfoundation.org/policies/tiles/, with any server:
//
//   - its User-Agent names the application and a way to reach whoever runs it, and is no browser's; NewProxy refuses
//     others, since the policy demands this of caching proxies above all;
//   - it sends the Referer of the site that shows the map;
//   - it keeps tiles as long as the headers of the server say, at least seven days when they say nothing, asks again with
//     If-None-Match and If-Modified-Since, and never sends no-cache, whatever a browser sends to us;
//   - it fetches a tile when somebody looks at it, once however many look, never in advance and never in bulk;
//   - it sends few requests at once (two unless told otherwise), none for a while after the server failed, and waits as
//     long as Retry-After says;
//   - Info().Attribution is never empty, and whoever shows a map shows it.
package basemap
