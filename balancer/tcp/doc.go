// Package tcp is a TCP connection that is read and written without telling Go's scheduler.
//
// Around each system call the runtime hands the processor back, in case the call takes long, and watches for the case from
// a thread of its own. A socket of the net package never waits in a call, so that buys nothing here, and where there is one
// processor it costs another thread's waking up whenever the kernel, which delivers on loopback within the write, takes
// more than twenty microseconds. What it brings stands in docs/performance.md.
package tcp
