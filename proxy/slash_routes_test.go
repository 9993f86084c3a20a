package proxy

import "testing"

// TestRoutesMayDifferInASlash compiles two exact routes of one method, one with a slash at its end, in either order.
func TestRoutesMayDifferInASlash(t *testing.T) {
	for _, paths := range [][2]string{{"/a", "/a/"}, {"/a/", "/a"}} {
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("%q: panic: %v", paths, v)
				}
			}()
			table, err := newRouteTable([]Route{{Path: paths[0], Component: "0"}, {Path: paths[1], Component: "1"}})
			if err != nil {
				t.Errorf("%q: %v", paths, err)
				return
			}
			for i, p := range paths {
				if r, refusal := (&Snapshot{routes: table}).Match("GET", p); r == nil || r.Path != paths[i] {
					t.Errorf("%q: %s goes to %+v, %v", paths, p, r, refusal)
				}
			}
		}()
	}
}
