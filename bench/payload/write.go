package payload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// seed is the same in every run, so that results of two runs are about the same bytes.
const seed = 20260101

// scrapeMillis is the time stamp of every sample: one scrape, as a sender's shard holds it.
const scrapeMillis = 1_767_225_600_000

// metricNames are series of exporters that most installations scrape. Their lengths and their repetition in a batch are
// what snappy sees in real life.
var metricNames = []string{
	"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_network_receive_bytes_total",
	"container_network_transmit_bytes_total", "container_fs_reads_bytes_total", "kube_pod_container_status_restarts_total",
	"kube_pod_status_phase", "node_cpu_seconds_total", "node_filesystem_avail_bytes", "go_memstats_heap_inuse_bytes",
	"process_resident_memory_bytes", "http_request_duration_seconds_bucket", "http_request_duration_seconds_sum",
	"http_request_duration_seconds_count", "grpc_server_handled_total", "up",
}

// RemoteWrite returns the body of a remote write (protocol 0.1.0): a prompb.WriteRequest of one scrape, compressed with
// snappy, whose size is within a twentieth of size bytes or as near as whole series allow. It fails when size is under 256,
// which not even a few series fit in.
func RemoteWrite(size int) ([]byte, error) {
	if size < 256 {
		return nil, fmt.Errorf("a remote write of %d bytes: want 256 or more", size)
	}
	// Each try is scaled by how far it is off: the size of a series hardly depends on how many there are.
	var nearest []byte
	count := 16
	for range 10 {
		body, err := encode(count)
		if err != nil {
			return nil, err
		}
		if nearest == nil || distance(body, size) < distance(nearest, size) {
			nearest = body
		}
		next := max(1, (count*size+len(body)/2)/len(body))
		if distance(body, size) <= size/20 || next == count {
			break
		}
		count = next
	}
	return nearest, nil
}

func distance(body []byte, size int) int {
	return max(len(body)-size, size-len(body))
}

// encode makes a batch of n series with one sample each. The first series of two batches are equal, so that the size
// grows with n.
func encode(n int) ([]byte, error) {
	random := rand.New(rand.NewPCG(seed, seed))
	batch := prompb.WriteRequest{Timeseries: make([]prompb.TimeSeries, 0, n)}
	for i := range n {
		batch.Timeseries = append(batch.Timeseries, series(random, i))
	}
	raw, err := batch.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode %d series: %w", n, err)
	}
	return snappy.Encode(nil, raw), nil
}

// series makes the i-th series of a batch: a pod's target with all metric names in turn, labels sorted as Prometheus
// sorts them.
func series(random *rand.Rand, i int) prompb.TimeSeries {
	pod := i / len(metricNames)
	identity := rand.New(rand.NewPCG(seed, uint64(pod)))
	return prompb.TimeSeries{
		Labels: []prompb.Label{
			{Name: "__name__", Value: metricNames[i%len(metricNames)]},
			{Name: "cluster", Value: "eu-west-1a"},
			{Name: "instance", Value: fmt.Sprintf("10.%d.%d.%d:9100", identity.IntN(256), identity.IntN(256), identity.IntN(256))},
			{Name: "job", Value: "kubernetes-pods"},
			{Name: "namespace", Value: "team-" + strconv.Itoa(identity.IntN(40))},
			{Name: "pod", Value: fmt.Sprintf("api-%08x-%05x", identity.Uint32(), identity.Uint32()>>12)},
		},
		Samples: []prompb.Sample{{Timestamp: scrapeMillis, Value: value(random, i)}},
	}
}

// value mixes what counters and gauges look like: whole numbers, fractions, and zeros, which are common.
func value(random *rand.Rand, i int) float64 {
	switch i % 4 {
	case 0:
		return 0
	case 1:
		return float64(random.IntN(1 << 30))
	case 2:
		return math.Round(random.Float64()*1e6) / 1e3
	default:
		return random.Float64() * 1e9
	}
}
