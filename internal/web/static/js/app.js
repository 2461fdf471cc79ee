// SPDX-License-Identifier: Apache-2.0
// Starts the modules. Every page works without them; they make it quick.
import "./copy.js";
import "./dialog.js";
import "./filter.js";
import "./fold.js";
import "./keep.js";
import "./keys.js";
import "./live.js";
import "./palette.js";
import "./scroll.js";
import "./strip.js";
import "./theme-menu.js";
import "./toast.js";
import "./upload.js";
