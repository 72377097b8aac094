{
  "variables": {
    "sanitize%": "",
    "dpdk_cflags": ["<!@(pkg-config --cflags libdpdk)"],
    "dpdk_libs": ["<!@(pkg-config --libs libdpdk)", "-lpcap"],
    "c_warnings": ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wshadow", "-Wstrict-prototypes", "-Wvla"],
  },
  "target_defaults": {
    "cflags_c": ["-std=gnu11", "-O3", "-g", "-fno-omit-frame-pointer"],
    "defines": ["_GNU_SOURCE"],
    "cflags!": ["-O2"],
    "conditions": [
      ["sanitize!=''", {
        "cflags": ["-fsanitize=<(sanitize)", "-fno-sanitize-recover=undefined", "-g"],
        "ldflags": ["-fsanitize=<(sanitize)"],
      }],
    ],
  },
  "targets": [
    {
      "target_name": "dataplane",
      "type": "static_library",
      "sources": ["<!@(find native/dataplane -name '*.c' | sort)"],
      "include_dirs": ["native/dataplane"],
      "cflags": ["<@(dpdk_cflags)", "-fPIC"],
      "cflags_c": ["<@(c_warnings)"],
      "direct_dependent_settings": {"include_dirs": ["native/dataplane"]},
    },
    {
      "target_name": "spillway",
      "dependencies": ["dataplane"],
      "sources": ["<!@(find native/binding -name '*.cc' | sort)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-Wno-unused-parameter"],
      "cflags_cc!": ["-fno-exceptions"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_CPP_EXCEPTIONS"],
      "libraries": ["<@(dpdk_libs)"],
    },
    {
      "target_name": "spillway-prover",
      "type": "executable",
      "dependencies": ["dataplane"],
      "sources": ["<!@(find native/prover -name '*.c' | sort)"],
      "cflags": ["<@(dpdk_cflags)"],
      "cflags_c": ["<@(c_warnings)"],
      "libraries": ["<@(dpdk_libs)"],
    },
    {
      "target_name": "spillway-offload-test",
      "type": "executable",
      "dependencies": ["dataplane"],
      "sources": ["native/test/offload_test.c"],
      "cflags_c": ["<@(c_warnings)"],
    },
    {
      "target_name": "spillway-dataplane-test",
      "type": "executable",
      "dependencies": ["dataplane"],
      "sources": ["native/test/dataplane_test.c"],
      "cflags_c": ["<@(c_warnings)"],
      "libraries": ["<@(dpdk_libs)"],
    },
  ],
}
